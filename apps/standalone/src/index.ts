export { startSystem } from './system.js';
export type { System, SystemOptions } from './system.js';
export { Stage } from './tour/stage.js';
export { playTour } from './tour/tour.js';
export { Attacker } from './tour/attacker.js';
