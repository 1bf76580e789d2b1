package io.commslib.testkit.contract;

import io.commslib.core.codec.Codec;
import io.commslib.core.messaging.Destination;

/** What {@link BadInputContract} must know beyond the other contract. */
public interface BadInputHarness extends TransportHarness {

  /**
   * Puts a record on a declared destination as a foreign program would. Returns once the broker has
   * it.
   *
   * @param to a declared destination
   * @param record any bytes
   * @throws Exception if the broker does not take it
   */
  void publishRecord(Destination to, RawRecord record) throws Exception;

  /**
   * Returns the prefix of CloudEvents attributes in header names.
   *
   * @return such as {@code ce_}
   */
  String attributePrefix();

  /**
   * Returns the codec of the bodies under test.
   *
   * @return a codec for JSON
   */
  Codec jsonCodec();
}
