export { approvalApp } from './approval.app.js';
