/**
 * The projects and their tags, from their package.json files. The lint rules, their guard and the tests of the repository share this list.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const types = ['domain', 'contracts', 'adapter', 'service', 'client', 'demo', 'launcher', 'tool', 'testing'];

/**
 * @typedef {{ name: string, root: string, tags: string[], type: string, scope: string }} Project
 * @param {string} workspace the root of the repository
 * @returns {Project[]} sorted by root; `type` and `scope` are without their prefix, empty when the tag is missing
 */
export function readProjects(workspace) {
  const projects = [];
  for (const folder of ['apps', 'libs']) {
    for (const entry of readdirSync(path.join(workspace, folder), { withFileTypes: true })) {
      const root = `${folder}/${entry.name}`;
      const file = path.join(workspace, root, 'package.json');
      if (!entry.isDirectory() || !existsSync(file)) continue;
      const { nx } = JSON.parse(readFileSync(file, 'utf8'));
      const tags = nx?.tags ?? [];
      const one = (prefix) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length) ?? '';
      projects.push({ name: nx?.name ?? entry.name, root, tags, type: one('type:'), scope: one('scope:') });
    }
  }
  return projects.sort((a, b) => (a.root < b.root ? -1 : 1));
}
