import { runService } from '@readmit/service';
import { intakeApp } from './intake.app.js';

await runService(intakeApp);
