/** Calls to the core, typed by its own list of calls. */
import type { Calls } from '@/bindings/calls';
import type { Empty } from '@/bindings/Empty';
import { platform } from '@/platform';

/** A call whose request says nothing is called without one. */
type Request<N extends keyof Calls> = Empty extends Calls[N]['request'] ? [] : [request: Calls[N]['request']];

/** Calls `name`. Rejects with an `ApiError`. */
export async function call<N extends keyof Calls>(name: N, ...[request]: Request<N>): Promise<Calls[N]['response']> {
  return (await platform.rpc(name, request ?? {})) as Calls[N]['response'];
}
