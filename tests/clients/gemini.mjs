// Asks through the npm client @google/genai; prints what its user sees as one JSON object.
//   node gemini.mjs ADDRESS MODEL        with CLIENTS naming the folder of package.json

import { createRequire } from "node:module";

const { GoogleGenAI } = createRequire(`${process.env.CLIENTS}/`)("@google/genai");
const [address, model] = process.argv.slice(2);
const client = new GoogleGenAI({ apiKey: "pointsman", httpOptions: { baseUrl: address } });
const parametersJsonSchema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ functionDeclarations: [{ name: "get_weather", description: "Weather.", parametersJsonSchema }] }];
const config = { maxOutputTokens: 400 };

const plain = await client.models.generateContent({ model, contents: "Hello", config });

const pieces = [];
let last = null;
for await (const chunk of await client.models.generateContentStream({ model, contents: "Hello", config })) {
  for (const part of chunk.candidates?.[0]?.content?.parts ?? []) if (part.text && !part.thought) pieces.push(part.text);
  last = chunk;
}

const asked = { role: "user", parts: [{ text: "Weather?" }] };
const calls = await client.models.generateContent({ model, contents: [asked], config: { ...config, tools } });
const parts = calls.functionCalls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: "rain" } } }));
const answered = await client.models.generateContent({
  model,
  contents: [asked, calls.candidates[0].content, { role: "user", parts }],
  config: { ...config, tools },
});

const refused = await client.models
  .generateContent({ model, contents: "Hello", config })
  .catch((error) => ({ status: error.status, name: error.constructor.name }));

const said = (answer) => ({ text: answer.text, calls: answer.functionCalls ?? [], usage: answer.usageMetadata });
console.log(
  JSON.stringify({ plain: said(plain), pieces, last, calls: said(calls), answered: said(answered), refused }),
);
