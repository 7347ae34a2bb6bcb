/** Who works here: the organisation, the person, and whether the data is sample data. */
import { defineStore } from 'pinia';
import { ref } from 'vue';

export type Role = 'inspector' | 'institution' | 'supervisor' | 'administrator';

export interface Session {
  organisation: string;
  person: string;
  role: Role;
  /** The database holds sample data: every screen says so. */
  sample: boolean;
}

export const useSession = defineStore('session', () => {
  const session = ref<Session | null>(null);
  return { session };
});
