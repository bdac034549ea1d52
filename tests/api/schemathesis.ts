/** Schemathesis, another project's reader of OpenAPI documents, in a folder of its own: what it made of the document and of the answers. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { PythonTools } from '../../tools/python-tools.mjs';

/** What is looked at in each answer. What a rule of ours refuses though the document allows it (422, 409) is no fault, so no check of that kind is here. */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
  'allow_header_conformance',
];

export interface Attempt {
  readonly origin: string;
  /** Another document than the one that is served. */
  readonly document?: object;
  readonly token?: string | undefined;
  /** Stands in every path that has one; absent: ids are made up. */
  readonly caseId?: string;
  /** Requests for each operation beside those of the phases that have a fixed number. */
  readonly each: number;
  readonly only?: string;
}

export async function schemathesis(
  { python, program }: PythonTools,
  { origin, document, token, caseId, each, only }: Attempt,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-schemathesis-'));
  try {
    const config = path.join(folder, 'schemathesis.toml');
    await writeFile(config, caseId === undefined ? '' : `[parameters]\n"path.caseId" = ${JSON.stringify(caseId)}\n`);
    const own = path.join(folder, 'openapi.json');
    if (document) await writeFile(own, JSON.stringify(document));
    const args = [
      ...['--config-file', config, 'run', document ? own : `${origin}/openapi.json`, '--url', origin],
      ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
      ...(only === undefined ? [] : ['--include-operation-id', only]),
      // The same requests each time: a failure here is one for everybody.
      ...['--seed', '1', '--generation-database', 'none', '--max-examples', String(each), '--phases', 'examples,coverage,fuzzing'],
      ...['--checks', checks.join(','), '--continue-on-failure', '--suppress-health-check', 'all', '--warnings', 'off'],
    ];
    return await new Promise((resolve, reject) => {
      const child = spawn(python, [program('st'), ...args], {
        cwd: folder,
        env: { ...process.env, NO_COLOR: '1', PYTHONUTF8: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.once('error', reject).once('close', (code) => resolve({ code, said }));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
