import { beforeEach, expect, it } from 'vitest';
import type { ConflictView } from '@/bindings/ConflictView';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores } from '@/testing/mountPage';
import { syncStatus } from '@/testing/samples';
import { useSync } from './sync';

beforeEach(freshStores);

function conflict(maySettle: boolean): ConflictView {
  return { record: 'r', record_kind: 'inspection', title: '', field: 'place', item: null, question: null, values: [], may_settle: maySettle };
}

it('nobody is asked to settle a conflict that is for others to settle', async () => {
  installFakeCore({
    sync_status: () => syncStatus(),
    conflicts_list: () => ({ conflicts: [conflict(false), conflict(true), conflict(false)] }),
  });
  const sync = useSync();
  await sync.load();
  expect(sync.conflicts).toBe(1);
});
