// Asks through the Responses API of the npm client openai; prints what its user sees as one JSON object.
//   node responses.mjs ADDRESS MODEL        with CLIENTS naming the folder of package.json

import { createRequire } from "node:module";

const { default: OpenAI } = createRequire(`${process.env.CLIENTS}/`)("openai");
const [address, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "pointsman", maxRetries: 0 });
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tools = [{ type: "function", name: "get_weather", parameters, strict: true }];
const common = { model, store: false, max_output_tokens: 400 };

const plain = await client.responses.create({ ...common, input: "Hello" });

const pieces = [];
const stream = client.responses.stream({ ...common, input: "Hello" });
stream.on("response.output_text.delta", (event) => pieces.push(event.delta));
const streamed = await stream.finalResponse();

const asked = [{ role: "user", content: "Weather?" }];
const calls = await client.responses.stream({ ...common, input: asked, tools }).finalResponse();
const results = calls.output
  .filter((item) => item.type === "function_call")
  .map((item) => ({ type: "function_call_output", call_id: item.call_id, output: "rain" }));
const answered = await client.responses.create({ ...common, tools, input: [...asked, ...calls.output, ...results] });

const refused = await client.responses
  .create({ ...common, input: "Hello" })
  .catch((error) => ({ status: error.status, name: error.constructor.name }));

console.log(JSON.stringify({ plain, pieces, streamed, calls, answered, refused }));
