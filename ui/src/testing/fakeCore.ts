/**
 * A core for component tests: answers the calls it was given answers for, and fails on every other one. The real
 * core stands behind the screens in the end-to-end tests.
 */
import { vi } from 'vitest';
import type { Calls } from '@/bindings/calls';
import type { HostEvent } from '@/bindings/HostEvent';
import { platform } from '@/platform';

type Answer<N extends keyof Calls> = (
  request: Calls[N]['request'],
) => Calls[N]['response'] | Promise<Calls[N]['response']>;

export type Answers = { [N in keyof Calls]?: Answer<N> };

export interface FakeCore {
  /** Every call made, in order. */
  calls: { name: string; request: unknown }[];
  /** The requests of one call. */
  requests: <N extends keyof Calls>(name: N) => Calls[N]['request'][];
  /** Changes answers from now on. */
  answer: (answers: Answers) => void;
  /** Tells the screens something. */
  emit: (event: HostEvent) => void;
}

// The screens subscribe once for the life of the page, so the listener outlives a test.
let listener: ((event: HostEvent) => void) | null = null;

export function installFakeCore(answers: Answers): FakeCore {
  let known = answers;
  const calls: FakeCore['calls'] = [];
  vi.spyOn(platform, 'rpc').mockImplementation(async (name, request) => {
    calls.push({ name, request });
    const answer = known[name as keyof Calls] as ((request: unknown) => unknown) | undefined;
    if (!answer) throw new Error(`the test gave no answer for ${name}`);
    return await answer(request);
  });
  vi.spyOn(platform, 'onEvent').mockImplementation((listen) => {
    listener = listen;
    return () => undefined;
  });
  return {
    calls,
    requests: <N extends keyof Calls>(name: N) =>
      calls.filter((one) => one.name === name).map(({ request }) => request as Calls[N]['request']),
    answer: (more) => {
      known = { ...known, ...more };
    },
    emit: (event) => listener?.(event),
  };
}
