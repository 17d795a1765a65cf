// Asks through the npm client openai; prints what its user sees as one JSON object.
//   node chat.mjs ADDRESS MODEL        with CLIENTS naming the folder of package.json

import { createRequire } from "node:module";

const { default: OpenAI } = createRequire(`${process.env.CLIENTS}/`)("openai");
const [address, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "pointsman", maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];
const parameters = { type: "object", properties: { city: { type: "string", maxLength: 20 } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "get_weather", parameters } }];
const choice = process.env.FORCE ? { tool_choice: "required" } : {};
const max_completion_tokens = 40;

const plain = await client.chat.completions.create({ model, messages, max_completion_tokens });

const pieces = [];
const stream = client.chat.completions.stream({
  model,
  messages,
  max_completion_tokens,
  stream_options: { include_usage: true },
});
stream.on("content", (piece) => pieces.push(piece));
const streamed = await stream.finalChatCompletion();

const calls = await client.chat.completions.stream({ model, messages, tools, max_completion_tokens, ...choice }).finalChatCompletion();
const asked = calls.choices[0].message;
const results = asked.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "rain" }));
const answered = await client.chat.completions.create({
  model,
  tools,
  max_completion_tokens,
  messages: [...messages, asked, ...results],
});

const refused = await client.chat.completions
  .create({ model, messages, max_completion_tokens })
  .catch((error) => ({ status: error.status, name: error.constructor.name }));

console.log(JSON.stringify({ plain, pieces, streamed, calls, answered, refused }));
