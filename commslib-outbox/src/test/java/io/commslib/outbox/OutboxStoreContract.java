package io.commslib.outbox;

/**
 * What every outbox store and its relay must do; run on each database: what is written ({@link
 * OutboxWritingContract}), what fails ({@link OutboxFailureContract}), who does it ({@link
 * OutboxOwnershipContract}), what people do about it ({@link OutboxOperationsContract}), what
 * becomes of it in an upgrade ({@link OutboxUpgradeContract}), what processes must agree on ({@link
 * OutboxAgreementContract}).
 */
public abstract class OutboxStoreContract extends OutboxAgreementContract {

  /** Creates a contract. */
  protected OutboxStoreContract() {}
}
