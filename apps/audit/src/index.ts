export { auditApp } from './audit.app.js';
