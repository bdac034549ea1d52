/** `npm run fault -- [options]`: the whole fault matrix (tests/fault/matrix.ts) on the build; docs/faults.md explains the output. */
import { runTyped } from './typed-sources.mjs';

await runTyped('tests/fault', 'matrix.ts');
