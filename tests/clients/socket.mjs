// Asks over a WebSocket through the npm client openai; prints what its user sees as one JSON object.
//   node socket.mjs ADDRESS MODEL        with CLIENTS naming the folder of package.json

import { createRequire } from "node:module";

const require = createRequire(`${process.env.CLIENTS}/`);
const { default: OpenAI } = require("openai");
const { ResponsesWS } = require("openai/resources/responses/ws");
const [address, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "pointsman" });
const socket = new ResponsesWS(client);

const turn = (request) =>
  new Promise((resolve, reject) => {
    const seen = [];
    const listen = (event) => {
      seen.push(event);
      if (["response.completed", "response.failed", "error"].includes(event.type)) {
        socket.off("event", listen);
        resolve(seen);
      }
    };
    socket.on("event", listen);
    socket.on("error", reject);
    socket.send({ type: "response.create", model, store: false, ...request });
  });

const first = await turn({ input: "What colour?" });
const id = first.at(-1).response.id;
const second = await turn({ input: "Why?", previous_response_id: id });
socket.close();

const text = (events) => events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
console.log(JSON.stringify({ first: text(first), second: text(second), types: first.map((event) => event.type) }));
