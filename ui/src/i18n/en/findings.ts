import type { Catalogue } from '../catalogue';

const findings: Catalogue['findings'] = {
  subtitle: 'What inspections found wrong, and by when it is to be put right',
  search: 'Subject, finding or measure',
  state: 'State',
  region: 'County (area)',
  due: 'Deadline',
  dueOverdue: 'Overdue',
  dueWeek: 'Due within 7 days',
  dueMonth: 'Due within 30 days',
  org: 'Inspecting bureau',
  item: 'Item',
  subject: 'Subject',
  description: 'Finding',
  measure: 'Measure',
  responsible: 'Responsible',
  deadline: 'Deadline',
  left: 'Left',
  list: 'Findings',
  empty: 'No findings',
  emptyText: 'Once an inspection is signed, its non-conforming items become findings and appear here.',
  emptyFiltered: 'No finding matches',
  emptyFilteredText: 'Widen the filters, or clear the search.',
  daysLeft: '{n} day left | {n} days left',
  dueToday: 'Due today',
  overdueBy: '{n} day overdue | {n} days overdue',
  passedBy: '{n} day ago | {n} days ago',
  todayIs: 'Today',
  noDeadline: 'No deadline',
};

export default findings;
