/** Short notices that go away by themselves. What needs an answer or must not be missed is an `ErrorNotice`. */
import { ElMessage } from 'element-plus';
import 'element-plus/es/components/message/style/css';
import { describeError } from '@/errors';

/** `text` is already translated. */
export function notifyDone(text: string): void {
  ElMessage({ type: 'success', message: text, grouping: true, duration: 2500 });
}

export function notifyInfo(text: string): void {
  ElMessage({ type: 'info', message: text, grouping: true, duration: 3500 });
}

/** For an error at a place that has no room for an `ErrorNotice`. Stays until it is read. */
export function notifyError(thrown: unknown): void {
  const { happened, safe, advice, severity } = describeError(thrown);
  ElMessage({
    type: severity === 'error' ? 'error' : severity,
    message: [happened, safe, advice].join(' '),
    showClose: true,
    grouping: true,
    duration: 12_000,
  });
}
