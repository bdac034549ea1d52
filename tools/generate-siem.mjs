/** Writes docs/generated/siem-events.md from the built projection and the golden samples: `node tools/generate-siem.mjs` after a build. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { askKinds, catalogue, entryOf, eventTypes, product, topicOf, undoKinds } from '@readmit/contracts';
import { askTable, ocsfOf } from '@readmit/domain';

const file = new URL('../docs/generated/siem-events.md', import.meta.url);
const target = { connector: 'idp', object: 'account' };
/** What enumerations of the first level do not show. */
const further = {
  'readmit.execution.succeeded': [
    ...askKinds.filter((kind) => askTable[kind].ocsf).map((kind) => [`of \`${kind}\``, { holds: [`idp/account/${kind}`] }]),
    ['of a role or group', { holds: ['idp/account/admins'] }],
  ],
  'readmit.revocation.confirmed': undoKinds.map((kind) => [`\`${kind}\``, { undo: { kind, ...target } }]),
  'readmit.violation.found': [['`obligation-overdue`, `discharge-unproved`', { rule: 'obligation-overdue' }]],
};
for (const type of eventTypes) {
  if (type.endsWith('.refused') && type !== 'readmit.plan.refused') further[type] = [['by a rule other than R4', { rule: 'R6.4' }]];
  if (type.endsWith('.message-parked'))
    further[type] = [
      ['parked: forged or altered', { action: 'parked', reason: 'bad-signature' }],
      ['parked: other reasons', { action: 'parked', reason: 'schema-violation' }],
    ];
}

/** The activity of a refusal is what was asked for. */
const activityOf = (event) => (event.class_uid === 6003 ? 'the command' : event.activity_name);
const cellsOf = (event) => [event.class_name, activityOf(event), event.type_uid, event.severity];

async function rowsOf(type) {
  const { key, data } = JSON.parse(await readFile(new URL(`../libs/contracts/samples/${type}.v1.json`, import.meta.url), 'utf8'));
  const { producer, label, code } = entryOf(type);
  const shown = (of) => {
    const fact = { id: 'id', type, at: '2026-01-01T00:00:00.000Z', data: of };
    const leaf = { v: 1, index: 0, eventId: 'id', type, code, topic: topicOf(producer), key, at: fact.at, sha256: '' };
    return cellsOf(ocsfOf({ leaf, fact, producer, label, known: {} }, { product, environment: 'docs', origin: 'docs' }));
  };
  const enumerated = Object.entries(catalogue[type].schema.properties).flatMap(([field, { enum: values = [] }]) =>
    values.filter((value) => data[field] !== value).map((value) => [`${field} \`${value}\``, { [field]: value }]),
  );
  const named = further[type] ?? [];
  // Parked has both: by action alone, and by why.
  const variants = [...named, ...enumerated.filter(([, change]) => !(named.length > 0 && change.action === 'parked'))].map(
    ([what, change]) => [what, shown({ ...data, ...change })],
  );
  const first = shown(data);
  const others = variants.filter(([, cells]) => cells.join() !== first.join());
  // Which value the sample has, where another one is another row.
  const own = enumerated
    .filter(([, change]) => shown({ ...data, ...change }).join() !== first.join())
    .map(([, change]) => Object.keys(change)[0] ?? '');
  const when = [...new Set(own)].map((field) => `${field} \`${data[field]}\``).join(', ');
  return [[`\`${code}\``, `\`${type}\``, label, when, ...first], ...others.map(([what, cells]) => ['', '', '', what, ...cells])];
}

const head = ['code', 'event', 'label', 'when', 'class', 'activity', 'type_uid', 'severity'];
const line = (cells) => `| ${cells.join(' | ')} |`;
// No entry of the log, so nobody reads it.
const types = eventTypes.filter((type) => type !== 'readmit.audit.recorded');
const rows = (await Promise.all(types.map(rowsOf))).flat();
await mkdir(new URL('.', file), { recursive: true });
await writeFile(
  file,
  `# What a SIEM reads for each event

Made by \`node tools/generate-siem.mjs\` from the golden samples; [siem.md](../siem.md) explains it. A row without a code is the event above
when its data say what stands under "when".

${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}
`,
);
process.stdout.write('docs/generated/siem-events.md is up to date\n');
