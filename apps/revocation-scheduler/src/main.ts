import { runService } from '@readmit/service';
import { schedulerApp } from './scheduler.app.js';

await runService(schedulerApp);
