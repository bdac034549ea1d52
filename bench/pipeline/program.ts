/** A process for one program: it lives through all slices, so that each but the first finds its code warm. */
import { openBare } from './bare.js';
import { hopPrograms } from './chain.js';
import { openHops } from './hops.js';
import { playLoad, type Load, type Measured, type Open, type Place } from './load.js';
import { openProduct } from './product.js';
import { openSix } from './six.js';
import { openStock } from './stock.js';

export const programs: Readonly<Record<string, Open>> = {
  product: openProduct,
  six: openSix,
  bare: openBare,
  stock: openStock,
  ...Object.fromEntries(hopPrograms.map((name) => [name, openHops(name)])),
};

export interface Order {
  readonly place: Place;
  readonly load: Load;
}
export type Answer = { readonly measured: Measured } | { readonly failed: string };

const open = programs[process.argv[2] ?? ''];
if (!open || !process.send) throw new Error('this is a bug: started without the name of a program or without a parent');
process.on('message', (order: Order) => {
  playLoad(open, order.place, order.load)
    .then((measured): Answer => ({ measured }))
    .catch((error: unknown): Answer => ({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
    .then((answer) => process.send?.(answer))
    .catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
});
process.on('disconnect', () => process.exit(0));
