import { runService } from '@readmit/service';
import { approvalApp } from './approval.app.js';

await runService(approvalApp);
