/**
 * The message transport over Apache Kafka.
 *
 * <p>Start with {@link io.commslib.kafka.KafkaTransport}, which publishes, subscribes and redrives;
 * its settings are in {@link io.commslib.kafka.KafkaTransportConfig}. A {@link
 * io.commslib.kafka.KafkaBinding} gives a destination names that others have chosen. {@link
 * io.commslib.kafka.GroupProtocol} selects the protocol of the consumer groups.
 *
 * <p>Guarantees: a publish is confirmed once all in-sync replicas have it (acks=all, idempotent
 * producer). Messages of one key are handled in order, and different keys of one partition in
 * parallel. An offset is committed only when it and all lower ones are finished; offsets finished
 * beyond it are stored in the metadata of the commit and are not handled again after a rebalance or
 * a crash. The metadata also counts how often handling of the lowest unfinished offset was started
 * and did not end. From the third fruitless start on, the records of the partition are handled one
 * at a time until the record that kills its process is found and dead-lettered.
 *
 * <p>Threads: each subscription has one poll thread, which owns its consumer and never runs a
 * handler. Handlers run on the workers of the subscription. Confirmations complete on the thread of
 * the Kafka producer.
 */
@NullMarked
package io.commslib.kafka;

import org.jspecify.annotations.NullMarked;
