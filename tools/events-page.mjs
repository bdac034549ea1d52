/** docs/events.md from the AsyncAPI document alone: what stands there can be implemented from it. */

/** @param {any} document @returns {string} Markdown */
export function eventsPage(document) {
  const { channels, components } = document;
  const at = (reference) =>
    reference.$ref
      .slice(2)
      .split('/')
      .reduce((value, name) => value[name], document);
  const own = Object.entries(channels).filter(([name]) => name !== 'signals' && name !== 'siem');
  const { 'readmit-signature': signature, ...headers } = components.schemas.EventHeaders.properties;
  const required = new Set(components.schemas.EventHeaders.required);
  return [
    '# Events',
    '',
    'Made by `node tools/generate-asyncapi.mjs` from the catalogue of events and the golden samples; not written by hand. The same as',
    'AsyncAPI 3.1, with every schema, is in [generated/asyncapi.json](generated/asyncapi.json). Who may read and write which topic:',
    '[generated/topics.md](generated/topics.md).',
    '',
    '| topic | who writes | what |',
    '| --- | --- | --- |',
    ...own.map(
      ([name, { address }]) =>
        `| [\`${address}\`](#${anchor(address)}) | ${name} | ${Object.keys(channels[name].messages).length} types of events |`,
    ),
    `| [\`${channels.signals.address.replace('{provider}', '<provider>')}\`](#signals) | the identity provider | signals |`,
    `| \`${channels.siem.address}\` | audit | every entry of the log as OCSF: [siem.md](siem.md) |`,
    '',
    '## How to read',
    '',
    'An event is a CloudEvent 1.0 in binary mode: attributes in the headers, data as JSON in the value. The key is the aggregate it is',
    'about, nearly always the case. Delivery is at least once: an event that comes twice has the same `ce_id`. Order holds per key in good',
    'times; do not rest on it. Ignore types that you do not know; a type with another `ce_version` has another schema. A known',
    'version never gets new fields silently: a field is added as optional, and your copy of the schema is of the release that you read.',
    '',
    '| header | required | what |',
    '| --- | --- | --- |',
    ...Object.entries(headers).map(
      ([name, { description, const: fixed }]) =>
        `| \`${name}\` | ${required.has(name) ? 'yes' : 'no'} | ${cell(description)}${fixed === undefined ? '' : ` Always \`${fixed}\``} |`,
    ),
    '| `readmit-signature` | yes | The signature, below |',
    '',
    `**Signature.** ${signature.description}`,
    '',
    'Fields have a class: `public` ones may stand in logs and traces, `sensitive` ones only in the case itself. No field of any event is a',
    'secret: secrets are sealed to their recipients and never on a topic.',
    '',
    '## Signals',
    '',
    `${channels.signals.description} How to publish them, and what becomes of them: [identity-providers.md](identity-providers.md).`,
    '',
    ...signalFields(components.schemas.SignalEvent),
    '',
    'Structured mode: header `content-type: application/cloudevents+json`, the event as the value:',
    '',
    ...code(components.messages['signal.structured'].examples[0].payload),
    '',
    'Binary mode: the attributes as headers, the data (or nothing) as the value:',
    '',
    '```',
    ...Object.entries(components.messages['signal.binary'].examples[0].headers).map(([name, value]) => `${name}: ${value}`),
    '```',
    '',
    ...own.flatMap(([, channel]) => [
      `## ${channel.address}`,
      '',
      channel.description,
      '',
      ...Object.values(channel.messages).flatMap((reference) => messagePart(at(reference))),
    ]),
    '## Shapes',
    '',
    'What several events share.',
    '',
    ...Object.entries(components.schemas)
      .filter(([name]) => name !== 'EventHeaders' && name !== 'SignalEvent')
      .flatMap(([name, schema]) => [`### ${name}`, '', ...shapePart(schema), '']),
  ].join('\n');
}

function messagePart(message) {
  const { name, title, summary, payload, examples } = message;
  return [
    `### ${name}`,
    '',
    `Version ${message['x-readmit-version']}, audit code ${message['x-readmit-code']}, "${title}". ${summary}${
      message['x-readmit-gate'] ? ' Execution waits until audit has it in its log.' : ''
    }`,
    '',
    '| field | type | required | class |',
    '| --- | --- | --- | --- |',
    ...Object.entries(payload.properties).map(
      ([field, schema]) =>
        `| \`${field}\` | ${typeText(schema)} | ${(payload.required ?? []).includes(field) ? 'yes' : 'no'} | ${message['x-readmit-fields'][field]} |`,
    ),
    '',
    ...examples.flatMap((example) => [`Example, key \`${example.name}\`:`, '', ...code(example.payload), '']),
  ];
}

function shapePart(schema) {
  if (schema.type !== 'object') return [typeText(schema)];
  return [
    '| field | type | required |',
    '| --- | --- | --- |',
    ...Object.entries(schema.properties).map(
      ([field, one]) => `| \`${field}\` | ${typeText(one)} | ${(schema.required ?? []).includes(field) ? 'yes' : 'no'} |`,
    ),
  ];
}

function signalFields(schema) {
  const says = {
    specversion: '`1.0`',
    id: 'unique within the source; the same source and id again changes nothing',
    source: 'URI of the realm or tenant',
    type: 'what happened',
    time: 'when it happened: RFC 3339 with an offset, at most 35 days ago, at most 5 minutes ahead',
    subject: 'whom it happened to: the id that the directory has for the person or account',
    datacontenttype: 'a type of JSON; in binary mode it is the header `content-type`',
    dataschema: 'not looked at',
    data: 'a JSON object; nothing of it is kept',
  };
  return [
    '| attribute | type | required | what |',
    '| --- | --- | --- | --- |',
    ...Object.entries(schema.properties).map(
      ([name, one]) => `| \`${name}\` | ${typeText(one)} | ${schema.required.includes(name) ? 'yes' : 'no'} | ${says[name]} |`,
    ),
    '',
    'Extension attributes are allowed and not kept.',
  ];
}

/** A type in a cell: names of shapes are links. */
function typeText(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1);
    return `[${name}](#${anchor(name)})`;
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((one) => `\`${one}\``).join(', ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  if (schema.type === 'array') return `list of ${typeText(schema.items)}${bounds(schema.minItems, schema.maxItems, 'items')}`;
  if (schema.type === 'object') {
    if (!schema.properties) return 'object';
    const fields = Object.entries(schema.properties).map(
      ([name, one]) => `\`${name}\`${(schema.required ?? []).includes(name) ? '' : ' (optional)'}: ${typeText(one)}`,
    );
    return fields.length > 0 ? `object with ${fields.join('; ')}` : 'object';
  }
  if (schema.type === 'string') {
    const pattern = schema.pattern === undefined ? '' : ` matching \`${schema.pattern.replaceAll('|', '\\|')}\``;
    return `text${bounds(schema.minLength, schema.maxLength, 'characters')}${pattern}`;
  }
  if (schema.type === 'integer') return `integer${bounds(schema.minimum, schema.maximum, '')}`;
  if (schema.type === 'boolean' || schema.type === 'null') return schema.type;
  if (Object.keys(schema).length === 0) return 'any JSON';
  throw new Error(`the page has no words for the schema ${JSON.stringify(schema)}`);
}

function bounds(least, most, what) {
  if (least === undefined && most === undefined) return '';
  const range = most === undefined ? `at least ${least}` : least === undefined ? `at most ${most}` : `${least} to ${most}`;
  return ` (${range}${what ? ` ${what}` : ''})`;
}

const code = (value) => ['```json', JSON.stringify(value, null, 2), '```'];
const cell = (text) => text.replaceAll('|', '\\|');
const anchor = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
