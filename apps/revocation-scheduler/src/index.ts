export { schedulerApp } from './scheduler.app.js';
