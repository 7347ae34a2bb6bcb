/** Naming who made a package and whom it is for. */
import type { PackageParty } from '@/bindings/PackageParty';
import { t } from '@/i18n';

export function partyText({ is_endpoint: isEndpoint, name, detail }: PackageParty): string {
  if (isEndpoint) return name === '' ? t('packages.otherEndpoint', { key: detail }) : t('packages.endpoint', { name });
  if (name === '') return t('packages.unknownDevice', { device: detail });
  return detail === '' ? name : t('packages.deviceOf', { name, device: detail });
}
