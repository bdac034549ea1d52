import { runService } from '@readmit/service';
import { auditApp } from './audit.app.js';

await runService(auditApp);
