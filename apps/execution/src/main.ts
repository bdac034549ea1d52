import { runService } from '@readmit/service';
import { executionApp } from './execution.app.js';

await runService(executionApp);
