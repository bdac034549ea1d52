// at: libs/domain/src/canary.ts
import type { Observable } from 'rxjs';
export type Canary = Observable<string>;
