/** What the core answers about updates of the application in tests. */
import type { UpdateView } from '@/bindings/UpdateView';

export function updateView(more: Partial<UpdateView> = {}): UpdateView {
  return {
    running: '0.1.0',
    stage: 'none',
    version: '',
    notes: '',
    size: 0,
    have: 0,
    fault: null,
    detail: '',
    obstacle: null,
    asked_at_ms: Date.UTC(2022, 3, 12, 2),
    held: null,
    last: null,
    ...more,
  };
}
