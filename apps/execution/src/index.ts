export { executionApp } from './execution.app.js';
