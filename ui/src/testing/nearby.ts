/** What the core says of laptops nearby in tests. */
import type { NearbyMoved } from '@/bindings/NearbyMoved';
import type { NearbySession } from '@/bindings/NearbySession';
import type { NearbyView } from '@/bindings/NearbyView';

export const nothingMoved: NearbyMoved = { entries: 0, all_entries: 0, files: 0, all_files: 0, bytes: 0, all_bytes: 0 };

export function nearbyView(more: Partial<NearbyView> = {}): NearbyView {
  return {
    is_on: true,
    is_kept: false,
    name: '王建国 · 外勤一号',
    addresses: ['192.168.43.7'],
    can_find: true,
    found: [],
    session: null,
    ...more,
  };
}

export function nearbySession(more: Partial<NearbySession> = {}): NearbySession {
  return {
    id: 4,
    stage: 'comparing',
    asked_here: true,
    target: '李敏 · 外勤二号',
    peer: { person_name: '李敏', org_name: '连云区应急管理局', role: 'inspector', label: '外勤二号', is_known: true },
    digits: '048213',
    agreed_here: false,
    agreed_there: false,
    given: nothingMoved,
    taken: nothingMoved,
    not_taken: 0,
    fault: null,
    ...more,
  };
}
