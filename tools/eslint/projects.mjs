/**
 * The projects of the house and their tags, read from their package.json: the lint rules, their guard and the house tests
 * share this list, so that none of them can look at another house than the rest.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const types = ['domain', 'contracts', 'adapter', 'service', 'client', 'demo', 'launcher', 'tool', 'testing'];

/**
 * @typedef {{ name: string, root: string, tags: string[], type: string, scope: string }} Project
 * @param {string} house the repository's root
 * @returns {Project[]} sorted by root; `type` and `scope` are without their prefix, empty when the tag is missing
 */
export function readProjects(house) {
  const projects = [];
  for (const floor of ['apps', 'libs']) {
    for (const room of readdirSync(path.join(house, floor), { withFileTypes: true })) {
      const root = `${floor}/${room.name}`;
      const file = path.join(house, root, 'package.json');
      if (!room.isDirectory() || !existsSync(file)) continue;
      const { nx } = JSON.parse(readFileSync(file, 'utf8'));
      const tags = nx?.tags ?? [];
      const one = (prefix) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length) ?? '';
      projects.push({ name: nx?.name ?? room.name, root, tags, type: one('type:'), scope: one('scope:') });
    }
  }
  return projects.sort((a, b) => (a.root < b.root ? -1 : 1));
}
