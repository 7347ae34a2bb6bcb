import type { Catalogue } from '../catalogue';

const conflicts: Catalogue['conflicts'] = {
  subtitle: 'Two people changed the same thing without knowing of each other. Both values are kept; please decide which one counts.',
  empty: 'No conflicts',
  emptyText: 'When different people change the same thing, the values are listed here side by side for you to decide.',
  emptyHere: 'No conflict is left in this record',
  only: 'Only the conflicts of one record are shown',
  showAll: 'Show all conflicts',
  openRecord: 'Open the record',
  now: 'Counts for now',
  by: '{author} · {device}',
  choose: 'Let this count',
  third: 'Write another',
  thirdHint: 'You may combine what the others wrote.',
  thirdText: 'New value',
  takeBoth: 'Keep all (join the lists)',
  settle: 'Let the new value count',
  settled: 'Settled. The other values can still be found in the history of the record.',
  notMine: 'You may look at this conflict but not settle it: the record is signed, or belongs to another organisation.',
  difference: 'What differs is marked',
  onlyHere: 'Only on this side',
  sameText: 'The same text',
  count: '{n} to settle',
};

export default conflicts;
