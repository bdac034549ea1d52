/** Plain kafkajs, as R0 and the arena use it, and sockets that count what any client asks of the brokers. */
import type { KafkaConnection } from '@readmit/bus';
import { Kafka, logLevel, type ISocketFactory, type KafkaConfig } from 'kafkajs';
import net from 'node:net';

export const clientConfig = ({ brokers, sasl, socketFactory }: KafkaConnection): KafkaConfig => ({
  brokers: [...brokers],
  ...(sasl === undefined ? {} : { sasl: { ...sasl } as NonNullable<KafkaConfig['sasl']> }),
  ...(socketFactory === undefined ? {} : { socketFactory }),
  logLevel: logLevel.NOTHING,
});

export const plainClient = (connection: KafkaConnection, clientId: string): Kafka => new Kafka({ ...clientConfig(connection), clientId });

export interface Requests {
  produceRequests: number;
  fetchRequests: number;
}
const produceKey = 0;
const fetchKey = 1;

/** Every request of kafkajs is one write that begins with its length and the number of its kind: so every program is counted alike. */
export function countingSockets(): { readonly requests: Requests; readonly socketFactory: ISocketFactory } {
  const requests: Requests = { produceRequests: 0, fetchRequests: 0 };
  const count = (request: unknown): void => {
    if (!Buffer.isBuffer(request) || request.length < 6) return;
    const kind = request.readInt16BE(4);
    if (kind === produceKey) requests.produceRequests++;
    else if (kind === fetchKey) requests.fetchRequests++;
  };
  return {
    requests,
    socketFactory: ({ host, port, onConnect }) => {
      const socket = net.connect({ host, port }, onConnect);
      socket.setKeepAlive(true, 60_000);
      socket.write = new Proxy(socket.write, {
        apply: (write, self: net.Socket, given: Parameters<typeof socket.write>) => {
          count(given[0]);
          return Reflect.apply(write, self, given);
        },
      });
      return socket;
    },
  };
}
