export { classificationApp } from './classification.app.js';
