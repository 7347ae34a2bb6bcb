/**
 * What the administrator sees, list by list, and how each is searched and sorted; it stays as it was when they come back.
 * Everything is asked of the server; where it does not answer, the core gives the last list that is known.
 */
import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { AdminOrgPut } from '@/bindings/AdminOrgPut';
import type { AdminPersonPut } from '@/bindings/AdminPersonPut';
import type { AdminRefusedRow } from '@/bindings/AdminRefusedRow';
import type { AdminRevoke } from '@/bindings/AdminRevoke';
import type { AdminCodeSlip } from '@/bindings/AdminCodeSlip';
import type { DeviceId } from '@/bindings/DeviceId';
import type { OrgCode } from '@/bindings/OrgCode';
import type { PersonId } from '@/bindings/PersonId';
import type { TableSort } from '@/composables/pagedRows';
import { call } from '@/core/call';
import { makeQuery } from '@/core/query';

export const useAdmin = defineStore('admin', () => {
  const orgs = makeQuery(() => call('admin_orgs'));
  const people = makeQuery(() => call('admin_people'));
  const devices = makeQuery(() => call('admin_devices'));
  const codes = makeQuery(() => call('admin_codes'));
  const refused = makeQuery(() => call('admin_refused'));
  const packs = makeQuery(() => call('admin_packs'));
  const updates = makeQuery(() => call('admin_updates'));

  const orgQuery = ref('');
  const personQuery = ref('');
  const personState = ref<'' | 'active' | 'retired'>('active');
  const personSort = ref<TableSort | null>(null);
  const deviceQuery = ref('');
  const deviceState = ref<'' | 'active' | 'revoked'>('');
  const deviceSort = ref<TableSort | null>({ key: 'contact', descending: true });
  const codeQuery = ref('');
  const codeSort = ref<TableSort | null>(null);
  const refusedQuery = ref('');
  const refusedSort = ref<TableSort | null>(null);

  async function putOrg(org: AdminOrgPut): Promise<void> {
    await call('admin_org_put', org);
    await orgs.load();
  }

  async function putPerson(person: AdminPersonPut): Promise<void> {
    await call('admin_person_put', person);
    await people.load();
  }

  async function revoke(request: AdminRevoke): Promise<void> {
    await call('admin_device_revoke', request);
    await devices.load();
  }

  async function unlockCode(device: DeviceId): Promise<string> {
    return (await call('admin_device_unlock', { device })).code;
  }

  async function makeCode(person: PersonId, days: number): Promise<AdminCodeSlip> {
    const slip = await call('admin_code_make', { person, days });
    await codes.load();
    return slip;
  }

  async function withdrawCode(id: string): Promise<void> {
    await call('admin_code_withdraw', { id });
    await codes.load();
  }

  /** Lets refused entries in, one after the other; what was let in before one failed stays in. */
  async function release(entries: AdminRefusedRow[], reason: string, done: (n: number) => void): Promise<void> {
    try {
      for (const [n, { device, seq }] of entries.entries()) {
        await call('admin_refused_release', { device, seq, reason });
        done(n + 1);
      }
    } finally {
      await refused.load();
    }
  }

  async function releaseUpdate(name: string, org: OrgCode): Promise<void> {
    await call('admin_update_release', { name, org });
    await updates.load();
  }

  async function withdrawUpdate(name: string, org: OrgCode): Promise<void> {
    await call('admin_update_withdraw', { name, org });
    await updates.load();
  }

  return {
    orgs,
    people,
    devices,
    codes,
    refused,
    packs,
    updates,
    orgQuery,
    personQuery,
    personState,
    personSort,
    deviceQuery,
    deviceState,
    deviceSort,
    codeQuery,
    codeSort,
    refusedQuery,
    refusedSort,
    putOrg,
    putPerson,
    revoke,
    unlockCode,
    makeCode,
    withdrawCode,
    release,
    releaseUpdate,
    withdrawUpdate,
  };
});
