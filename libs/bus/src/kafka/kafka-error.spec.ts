import { describe, expect, it } from '@jest/globals';
import { DeadlineError, kafkaError, within } from './kafka-error.js';

/** As kafkajs hides the broker's reason: the outer errors say that it was tried a number of times. */
const buried = (type: string, message: string): Error =>
  new Error('after 5 retries', { cause: Object.assign(new Error('outer'), { errors: [Object.assign(new Error(message), { type })] }) });

describe('an error of Kafka', () => {
  it('says the deepest reason and what to do about it', () => {
    const error = kafkaError('3 records could not be sent to readmit.intake.v1', buried('TOPIC_AUTHORIZATION_FAILED', 'Not authorized'));
    expect(error.message).toBe(
      "3 records could not be sent to readmit.intake.v1: TOPIC_AUTHORIZATION_FAILED: the topic's ACLs do not let this user do it; run the Kafka set-up again to create the ACLs of the event catalogue",
    );
    expect(error).toMatchObject({ permanent: true, aboutRecords: false });
  });

  it('is permanent only where trying again cannot help', () => {
    expect(kafkaError('x', buried('NOT_LEADER_FOR_PARTITION', 'moved'))).toMatchObject({
      permanent: false,
      message: 'x: NOT_LEADER_FOR_PARTITION: moved',
    });
    expect(kafkaError('x', new Error('connect ECONNREFUSED'))).toMatchObject({ permanent: false, message: 'x: connect ECONNREFUSED' });
    const signIn = Object.assign(new Error('SASL failed'), { name: 'KafkaJSSASLAuthenticationError' });
    expect(kafkaError('x', signIn)).toMatchObject({ permanent: true, message: expect.stringContaining('KAFKA_SASL_PASSWORD_FILE') });
  });

  it('knows when these records are to blame and others would be taken', () => {
    expect(kafkaError('x', buried('MESSAGE_TOO_LARGE', 'too large'))).toMatchObject({ aboutRecords: true, permanent: false });
  });

  it('survives causes in a ring, and what is no error', () => {
    const ring: Error & { cause?: unknown } = new Error('ring');
    ring.cause = ring;
    expect(kafkaError('x', ring).message).toBe('x: ring');
    expect(kafkaError('x', 'a text').message).toBe('x: a text');
    expect(kafkaError('x', undefined).message).toBe('x: undefined');
  });
});

describe('our deadline', () => {
  it('ends the wait for a promise that never settles, and leaves alone one that does', async () => {
    await expect(within(new Promise(() => {}), 10, 'sending')).rejects.toThrow(DeadlineError);
    await expect(within(new Promise(() => {}), 10, 'sending')).rejects.toThrow('sending: no answer within 10 ms');
    expect(await within(Promise.resolve('sent'), 10_000, 'sending')).toBe('sent');
    await expect(within(Promise.reject(new Error('refused')), 10_000, 'sending')).rejects.toThrow('refused');
  });
});
