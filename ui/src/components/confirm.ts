/** Asking before something that is hard to take back. `await confirm({...})` is true when the person agreed. */
import { shallowRef } from 'vue';

export interface ConfirmRequest {
  /** Already translated. Says what will happen, as a question. */
  title: string;
  text?: string;
  /** The verb of the action, not "OK". */
  confirmText: string;
  tone?: 'plain' | 'danger';
}

export interface PendingConfirm {
  request: ConfirmRequest;
  answer: (agreed: boolean) => void;
}

export const pendingConfirm = shallowRef<PendingConfirm | null>(null);

/** Shows the question and resolves with the answer. A second question refuses the first. */
export function confirm(request: ConfirmRequest): Promise<boolean> {
  pendingConfirm.value?.answer(false);
  return new Promise((resolve) => {
    pendingConfirm.value = {
      request,
      answer: (agreed) => {
        pendingConfirm.value = null;
        resolve(agreed);
      },
    };
  });
}
