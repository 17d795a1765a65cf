// Asks through the npm client @anthropic-ai/sdk; prints what its user sees as one JSON object.
//   node messages.mjs ADDRESS MODEL        with CLIENTS naming the folder of package.json

import { createRequire } from "node:module";

const { default: Anthropic } = createRequire(`${process.env.CLIENTS}/`)("@anthropic-ai/sdk");
const [address, model] = process.argv.slice(2);
const client = new Anthropic({ baseURL: address, apiKey: "pointsman", maxRetries: 0 });
const hello = [{ role: "user", content: "Hello" }];
const schema = { type: "object", properties: { city: { type: "string", maxLength: 20 } }, required: ["city"] };
const tools = [{ name: "get_weather", description: "The weather now.", input_schema: schema }];
const choice = process.env.FORCE ? { tool_choice: { type: "any" } } : {};

const plain = await client.messages.create({ model, max_tokens: 40, messages: hello });

const pieces = [];
const stream = client.messages.stream({ model, max_tokens: 40, messages: hello });
stream.on("text", (piece) => pieces.push(piece));
const streamed = await stream.finalMessage();

const calls = await client.messages
  .stream({ model, max_tokens: 40, messages: hello, tools, ...choice })
  .finalMessage();
const results = calls.content
  .filter((block) => block.type === "tool_use")
  .map((block) => ({ type: "tool_result", tool_use_id: block.id, content: "rain" }));
const answered = await client.messages.create({
  model,
  max_tokens: 40,
  tools,
  messages: [...hello, { role: "assistant", content: calls.content }, { role: "user", content: results }],
});

const refused = await client.messages
  .create({ model, max_tokens: 40, messages: hello })
  .catch((error) => ({ status: error.status, type: error.error?.error?.type, name: error.constructor.name }));

console.log(JSON.stringify({ plain, pieces, streamed, calls, answered, refused }));
