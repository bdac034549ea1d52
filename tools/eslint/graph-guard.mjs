/**
 * `@nx/enforce-module-boundaries` prints a warning and passes everything if nx has no cached project graph, and does not
 * see projects that are newer than the graph. So that the rule cannot skip itself, the lint configuration does not load without a graph that
 * knows every project with its tags.
 */
import { readCachedProjectGraph } from '@nx/devkit';

const remedy = 'Run npm run lint, which creates the graph first';

/** @param {import('./projects.mjs').Project[]} projects throws if the graph is missing or does not match them */
export function requireProjectGraph(projects) {
  let graph;
  try {
    graph = readCachedProjectGraph();
  } catch (cause) {
    throw new Error(`boundary rules cannot run: nx has no cached project graph. ${remedy}`, { cause });
  }
  for (const project of projects) {
    const node = graph.nodes[project.name];
    const known = [...(node?.data.tags ?? [])].filter((tag) => !tag.startsWith('npm:')).sort();
    if (node?.data.root !== project.root || known.join() !== [...project.tags].sort().join()) {
      throw new Error(`boundary rules cannot run: nx's cached project graph is outdated for ${project.root}. ${remedy}`);
    }
  }
}
