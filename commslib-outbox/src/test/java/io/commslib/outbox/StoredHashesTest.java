package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Tables and processes of other releases hold these values. They never change. */
class StoredHashesTest {

  @Test
  void fingerprintsOfFailuresStay() {
    assertThat(
            Fingerprints.of(
                "COMMS-KAFKA-003", "queue:orders", "Timeout after 30 s for 'customer-7' 1f-3a"))
        .isEqualTo("fab981a9dd251a70");
    assertThat(
            Fingerprints.of(
                "COMMS-OUTBOX-003", "topic:caf\u00e9", "row 3/17, destination: nowhere"))
        .isEqualTo("b3e66a2c18718228");
  }

  @Test
  void aKeyKeepsItsLock() {
    assertThat(KeyLocks.hash("\"outbox_key_lock\"", "k")).isEqualTo(580111494698454835L);
    assertThat(KeyLocks.hash("`shop`.`outbox_key_lock`", "caf\u00e9"))
        .isEqualTo(-3379310789347473372L);
    assertThat(KeyLocks.slot(580111494698454835L)).isEqualTo(2132);
    assertThat(KeyLocks.slot(-3379310789347473372L)).isEqualTo(1725);
  }
}
