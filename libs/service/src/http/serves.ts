import { routes, type Route, type RouteName, type ServiceName } from '@readmit/contracts';
import { createParamDecorator, HttpCode, RequestMapping, RequestMethod, type ExecutionContext, type Type } from '@nestjs/common';
import 'reflect-metadata';
import type { AnswerOf, Call } from './call.js';
import type { EdgeRequest } from './edge-request.js';

const servedRoute = 'readmit:route';

const TheCall = createParamDecorator((_data: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<EdgeRequest>().call);

/**
 * Binds a controller's method to a route of the catalogue: method, path, status, access and schemas come from there.
 * The method takes one `Call<N>` and returns the response; it MUST NOT touch request or response.
 */
export function Serves<N extends RouteName>(name: N) {
  return <M extends (call: Call<N>) => Promise<AnswerOf<N>>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const route: Route = routes[name];
    RequestMapping({ path: route.path, method: route.method === 'GET' ? RequestMethod.GET : RequestMethod.POST })(target, key, descriptor);
    HttpCode(route.status)(target, key, descriptor);
    TheCall()(target, key, 0);
    if (descriptor.value) Reflect.defineMetadata(servedRoute, name, descriptor.value);
  };
}

export function servedBy(handler: unknown): RouteName | undefined {
  return typeof handler === 'function' ? (Reflect.getMetadata(servedRoute, handler) as RouteName | undefined) : undefined;
}

/** Refuses to start when a route of the service has no handler, has two, or a handler serves another service's route. */
export function assertAllServed(service: ServiceName, controllers: readonly Type[]): void {
  const served = controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, unknown>;
    return Object.getOwnPropertyNames(prototype).flatMap((key) => servedBy(prototype[key]) ?? []);
  });
  const own = (Object.entries(routes) as [RouteName, Route][]).filter(([, route]) => route.service === service).map(([name]) => name);
  const faults = [
    ...own.filter((name) => !served.includes(name)).map((name) => `${name} has no handler: add a method with @Serves('${name}')`),
    ...served.filter((name, index) => served.indexOf(name) !== index).map((name) => `${name} has two handlers`),
    ...served.filter((name) => !own.includes(name)).map((name) => `${name} belongs to ${routes[name].service}`),
  ];
  if (faults.length > 0)
    throw new Error(`this is a bug: the controllers of ${service} do not match the catalogue of routes: ${faults.join('; ')}`);
}
