/** `npm run fault -- [options]`: the whole matrix of faults (tests/fault/matrix.ts) on what was built; docs/faults.md says how to read it. */
import { runTyped } from './typed-sources.mjs';

await runTyped('tests/fault', 'matrix.ts');
