/** Runs Schemathesis in its own folder, and returns its output about the OpenAPI document and the responses. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { PythonTools } from '../../tools/python-tools.mjs';

/** Checks of each response. A valid request may still be refused by a rule (422, 409), so there is no check for that. */
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
  /** Replaces the served document. */
  readonly document?: object;
  readonly token?: string | undefined;
  /** Used in every path with a case id; otherwise ids are generated. */
  readonly caseId?: string;
  /** Requests for each operation, in addition to those of phases with a fixed number. */
  readonly each: number;
  readonly only?: string;
}

export async function schemathesis(
  { python, program }: PythonTools,
  { origin, document, token, caseId, each, only }: Attempt,
): Promise<{ readonly code: number | null; readonly output: string }> {
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
      // The same requests each time, so that failures can be reproduced.
      ...['--seed', '1', '--generation-database', 'none', '--max-examples', String(each), '--phases', 'examples,coverage,fuzzing'],
      ...['--checks', checks.join(','), '--continue-on-failure', '--suppress-health-check', 'all', '--warnings', 'off'],
    ];
    return await new Promise((resolve, reject) => {
      const child = spawn(python, [program('st'), ...args], {
        cwd: folder,
        env: { ...process.env, NO_COLOR: '1', PYTHONUTF8: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.once('error', reject).once('close', (code) => resolve({ code, output }));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
