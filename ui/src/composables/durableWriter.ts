/**
 * Brings what a person types into the ledger without ever losing it or saying "saved" too early.
 *
 * One write is under way at a time; while it is, only the newest text waits. A failed write keeps the text and is
 * tried again. Newer text from elsewhere never replaces text that is being typed. No Vue in here: the component
 * `DurableText` connects it to a field.
 */

export type DurableState = 'saved' | 'saving' | 'failed';

/**
 * `basis` is what the person saw when they wrote, so that the core can tell a conflict from a change: opaque
 * here. A write may resolve with the basis for the next one.
 */
export type DurableWrite<B> = (text: string, basis: B) => Promise<B | void>;

export interface DurableWriterOptions<B> {
  value: string;
  basis: B;
  /** Keeps unfinished text safe. Without it only `commit` writes. */
  draft?: DurableWrite<B>;
  /** Makes the text part of the record. Writing the value that already stands there must change nothing. */
  commit: DurableWrite<B>;
  onState: (state: DurableState, error: unknown) => void;
  /** Text from elsewhere that the field should now show. */
  onAdopt: (text: string) => void;
  idleMs?: number;
}

type Kind = 'draft' | 'commit';

const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 30_000];

/** Every writer that holds text which is not committed. */
const unsettled = new Set<DurableWriter<unknown>>();

/**
 * Commits everything that is being typed anywhere. True when all of it is in the ledger: ask before signing,
 * closing or leaving.
 */
export async function commitAllTexts(): Promise<boolean> {
  const settled = await Promise.all([...unsettled].map((writer) => writer.settle()));
  return settled.every(Boolean);
}

/** True while some text is not committed: the window asks before it closes. */
export function hasUnsettledText(): boolean {
  return unsettled.size > 0;
}

export class DurableWriter<B> {
  private text: string;
  private committed: string;
  private basis: B;
  /** A draft is stored that no commit has replaced yet. */
  private drafted = false;
  private wanted: Kind | null = null;
  private inFlight: Promise<void> | null = null;
  private failures = 0;
  private focused = false;
  private held: { value: string; basis: B } | null = null;
  /** Own commits whose echo has not come back yet. */
  private unechoed: string[] = [];
  private idleTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly idleMs: number;

  constructor(private readonly options: DurableWriterOptions<B>) {
    this.text = options.value;
    this.committed = options.value;
    this.basis = options.basis;
    this.idleMs = options.idleMs ?? 1_500;
  }

  /** The person changed the text. */
  input(text: string): void {
    if (text === this.text) return;
    this.text = text;
    unsettled.add(this as DurableWriter<unknown>);
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.commit(), this.idleMs);
    this.options.onState('saving', null);
    if (this.options.draft) this.want('draft');
  }

  focus(): void {
    this.focused = true;
  }

  blur(): void {
    this.focused = false;
    this.commit();
    this.adoptHeld();
  }

  /** Writes the text into the record, after what is under way. */
  commit(): void {
    clearTimeout(this.idleTimer);
    if (this.isSettled()) return;
    this.want('commit');
  }

  /** The page is going away: nothing can be waited for any more. */
  commitAtOnce(): void {
    clearTimeout(this.idleTimer);
    if (this.isSettled()) return;
    if (this.inFlight === null) {
      this.want('commit');
      return;
    }
    // Starts beside the write under way, because there may be no later.
    this.options.commit(this.text, this.basis).catch((error: unknown) => this.options.onState('failed', error));
  }

  /** Commits and waits. False when the write failed; it will be tried again all the same. */
  async settle(): Promise<boolean> {
    this.commit();
    while (this.inFlight !== null) await this.inFlight;
    return this.isSettled();
  }

  /** Tries again now. */
  retry(): void {
    this.want('commit');
  }

  /** The record changed, here or elsewhere. */
  offer(value: string, basis: B): void {
    const echo = this.unechoed.indexOf(value);
    const isOldEcho = echo >= 0 && echo < this.unechoed.length - 1;
    if (echo >= 0) this.unechoed.splice(0, echo + 1);
    // The echo of an earlier commit comes late: a newer one of ours already stands in the ledger.
    if (isOldEcho) return;
    if (value === this.committed) {
      this.basis = basis;
      this.held = null;
      return;
    }
    if (value === this.text && this.inFlight === null) {
      this.take(value, basis);
      return;
    }
    this.held = { value, basis };
    if (!this.focused) this.adoptHeld();
  }

  private take(value: string, basis: B): void {
    this.held = null;
    this.basis = basis;
    this.committed = value;
    if (this.text === value) this.finish();
  }

  private adoptHeld(): void {
    if (this.held === null || !this.isSettled() || this.inFlight !== null) return;
    const { value, basis } = this.held;
    this.text = value;
    this.take(value, basis);
    this.options.onAdopt(value);
  }

  private isSettled(): boolean {
    return this.text === this.committed && !this.drafted;
  }

  private want(kind: Kind): void {
    if (this.wanted !== 'commit') this.wanted = kind;
    this.pump();
  }

  private pump(): void {
    if (this.inFlight !== null || this.wanted === null) return;
    clearTimeout(this.retryTimer);
    const kind = this.wanted;
    this.wanted = null;
    this.options.onState('saving', null);
    this.inFlight = this.write(kind, this.text).then(() => {
      this.inFlight = null;
      this.next();
    });
  }

  private async write(kind: Kind, text: string): Promise<void> {
    const write = kind === 'draft' ? (this.options.draft ?? this.options.commit) : this.options.commit;
    try {
      const basis = await write(text, this.basis);
      if (basis !== undefined) this.basis = basis as B;
      this.failures = 0;
      if (kind === 'draft') {
        this.drafted = true;
      } else {
        this.drafted = false;
        this.committed = text;
        this.held = null;
        this.unechoed.push(text);
      }
    } catch (error) {
      this.failures += 1;
      if (this.wanted !== 'commit') this.wanted = kind;
      this.options.onState('failed', error);
      const delay = RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1];
      this.retryTimer = setTimeout(() => this.pump(), delay);
    }
  }

  private next(): void {
    // After a failure the timer, the next key or the person starts the next attempt.
    if (this.failures > 0) return;
    if (this.wanted !== null) {
      this.pump();
      return;
    }
    this.finish();
    if (!this.focused) this.adoptHeld();
  }

  private finish(): void {
    if (this.isSettled()) {
      this.wanted = null;
      unsettled.delete(this as DurableWriter<unknown>);
    }
    // A stored draft is as safe as a committed text: it survives the program being killed.
    if (this.isSettled() || this.drafted) this.options.onState('saved', null);
  }
}
