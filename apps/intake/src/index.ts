export { intakeApp } from './intake.app.js';
