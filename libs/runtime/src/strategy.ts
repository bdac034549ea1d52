import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { ServiceRuntime } from './service-definition.js';

/** Hosts an engine in a Nest microservice: it listens while the application does. What is heard goes to the definition, not to decorated handlers. */
export class EngineStrategy extends Server implements CustomTransportStrategy {
  constructor(private readonly engine: ServiceRuntime) {
    super();
  }
  listen(callback: (error?: unknown) => void): void {
    this.engine.start().then(() => callback(), callback);
  }
  close(): Promise<void> {
    return this.engine.stop();
  }
  on(event: string): never {
    throw new Error(`the engine has no event ${event}: ask its progress`);
  }
  unwrap<T>(): T {
    return this.engine as T;
  }
}
