import { runService } from '@readmit/service';
import { classificationApp } from './classification.app.js';

await runService(classificationApp);
