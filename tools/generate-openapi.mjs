/** Writes docs/generated/openapi.json from the built contracts: `node tools/generate-openapi.mjs` after a build. */
import { mkdir, writeFile } from 'node:fs/promises';
import { openapi } from '@readmit/contracts';

const file = new URL('../docs/generated/openapi.json', import.meta.url);
await mkdir(new URL('.', file), { recursive: true });
await writeFile(file, `${JSON.stringify(openapi(), null, 2)}\n`);
process.stdout.write('docs/generated/openapi.json is up to date\n');
