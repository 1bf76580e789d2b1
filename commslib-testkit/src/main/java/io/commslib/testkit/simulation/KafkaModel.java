package io.commslib.testkit.simulation;

import io.commslib.core.wire.WireMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Partitions that are read by offset, owned by one member each, with committed offsets that belong
 * to a generation. Members lose partitions in good order (their last commit counts), or without
 * noticing (it does not).
 */
final class KafkaModel implements BrokerModel {

  private static final int PARTITIONS = 2;

  private static final class Partition {
    final int number;
    final List<WireMessage> log = new ArrayList<>();
    OffsetLedger.Commit committed = new OffsetLedger.Commit(0, "");
    int generation;
    @Nullable Assignment owner;

    /** To whom the broker has decided to give it; null if anybody may have it. */
    @Nullable SimulatedConsumer target;

    Partition(int number) {
      this.number = number;
    }
  }

  /** A partition in the hands of a member; the scope of its deliveries. */
  private static final class Assignment {
    final Partition partition;
    final SimulatedConsumer member;
    final int generation;
    final OffsetLedger ledger;
    long position;
    boolean leaving;
    OffsetLedger.Commit lastCommit;

    Assignment(Partition partition, SimulatedConsumer member, OffsetLedger ledger) {
      this.partition = partition;
      this.member = member;
      this.generation = partition.generation;
      this.ledger = ledger;
      this.lastCommit = partition.committed;
      this.position = partition.committed.offset();
      ledger.restore(partition.committed);
    }
  }

  private final SimulatedWorld world;
  private final Supplier<OffsetLedger> ledgers;
  private final SimulatedGroup group;
  private final List<Partition> partitions = new ArrayList<>();

  /** Members that lost a partition and have not noticed. */
  private final List<Assignment> unaware = new ArrayList<>();

  private int commitsToReject;

  KafkaModel(SimulatedWorld world, Supplier<OffsetLedger> ledgers) {
    this.world = world;
    this.ledgers = ledgers;
    this.group = new SimulatedGroup(world, this::acknowledged);
    for (int i = 0; i < PARTITIONS; i++) {
      partitions.add(new Partition(i));
    }
  }

  @Override
  public void publish(String key, int number) {
    partitions.get(key.hashCode() % PARTITIONS).log.add(SimulatedGroup.wire(key, number));
  }

  private void acknowledged(ModelDelivery delivery) {
    ((Assignment) delivery.scope()).ledger.finished(delivery.number());
  }

  @Override
  public boolean step() {
    List<Runnable> possible = new ArrayList<>();
    if (group.isAnybodyDead()) {
      possible.add(group::restartDead);
    }
    for (Partition partition : partitions) {
      Assignment owner = partition.owner;
      if (owner == null || !owner.member.isAlive()) {
        if (!group.alive().isEmpty()) {
          possible.add(() -> assign(partition));
        }
      } else if (owner.leaving) {
        possible.add(() -> leave(owner));
      } else {
        if (owner.position < partition.log.size() && owner.member.engine().isIntakeOpen()) {
          possible.add(() -> fetch(owner));
        }
        if (!owner.ledger.commit().equals(owner.lastCommit)) {
          possible.add(() -> commit(owner, owner.ledger.commit()));
        }
      }
    }
    // Seldom, so that members work on for a while with what they have lost.
    if (possible.isEmpty() || world.random().nextInt(20) == 0) {
      unaware.forEach(lost -> possible.add(() -> notice(lost)));
    }
    if (possible.isEmpty()) {
      return false;
    }
    possible.get(world.random().nextInt(possible.size())).run();
    return true;
  }

  private void assign(Partition partition) {
    partition.generation++;
    SimulatedConsumer target = partition.target;
    partition.target = null;
    Assignment assignment =
        new Assignment(
            partition, target != null && target.isAlive() ? target : group.any(), ledgers.get());
    if (world.saboteur() == SimulationFault.STARTS_AT_THE_END) {
      assignment.position = partition.log.size();
    }
    partition.owner = assignment;
    // An unaware member may get back what it still works on.
    world.truth().forgetDues(assignment.member.name());
    world
        .truth()
        .trace(
            assignment.member.name()
                + " gets "
                + partition.number
                + " from "
                + assignment.position);
  }

  private void fetch(Assignment to) {
    int records = 1 + world.random().nextInt(4);
    for (int i = 0; i < records && to.position < to.partition.log.size(); i++) {
      long offset = to.position++;
      if (world.saboteur() == SimulationFault.REORDERS
          && to.position < to.partition.log.size()
          && world.random().nextInt(4) == 0) {
        take(to, to.position++);
      }
      take(to, offset);
    }
  }

  private void take(Assignment to, long offset) {
    WireMessage wire = to.partition.log.get((int) offset);
    ModelDelivery delivery = new ModelDelivery(to, wire, offset, 0);
    if (!to.ledger.accepted(offset)) {
      if (!world.truth().isComplete(delivery.id())) {
        world.truth().violated(delivery.id() + " was taken for finished");
      }
      return;
    }
    if (world.saboteur() == SimulationFault.ACKNOWLEDGES_EARLY) {
      to.ledger.finished(offset);
    }
    to.member.engine().accept(delivery);
  }

  private void commit(Assignment by, OffsetLedger.Commit commit) {
    by.lastCommit = commit;
    OffsetLedger.Commit said = spoilt(by, commit);
    if (commitsToReject > 0) {
      commitsToReject--;
      by.lastCommit = new OffsetLedger.Commit(-1, "");
      world.truth().trace("commit rejected");
      return;
    }
    Partition partition = by.partition;
    boolean fenced = partition.generation != by.generation;
    if (fenced && world.saboteur() != SimulationFault.SKIPS_THE_FENCE) {
      return;
    }
    if (said.offset() < partition.committed.offset()) {
      world.truth().violated("commit of " + partition.number + " went backwards");
    }
    for (long offset = partition.committed.offset(); offset < said.offset(); offset++) {
      WireMessage wire = partition.log.get((int) offset);
      String id = String.valueOf(wire.headers().get("ce_id"));
      if (!world.truth().isComplete(id)) {
        world.truth().violated("commit went past " + id + ", which is unfinished");
      }
    }
    partition.committed = said;
    world.truth().trace("committed " + partition.number + " at " + said.offset());
  }

  private OffsetLedger.Commit spoilt(Assignment by, OffsetLedger.Commit commit) {
    boolean past =
        world.saboteur() == SimulationFault.COMMITS_PAST_A_GAP
            || (world.saboteur() == SimulationFault.LOSES_ON_REVOKE && by.leaving);
    if (past) {
      return new OffsetLedger.Commit(by.position, "");
    }
    if (world.saboteur() == SimulationFault.NOTES_TOO_MUCH && commit.offset() + 1 < by.position) {
      String more = Long.toString(commit.offset() + 1);
      return new OffsetLedger.Commit(
          commit.offset(), commit.note().isEmpty() ? more : commit.note() + "," + more);
    }
    return commit;
  }

  /** A member gives a partition up in good order. */
  private void leave(Assignment leaving) {
    commit(leaving, leaving.ledger.commit());
    leaving.member.engine().revoke(leaving);
    world.truth().forgetDues(leaving.member.name());
    leaving.partition.owner = null;
  }

  private void notice(Assignment lost) {
    unaware.remove(lost);
    if (lost.member.isAlive()) {
      lost.member.engine().revoke(lost);
      world.truth().forgetDues(lost.member.name());
    }
  }

  @Override
  public void fault() {
    switch (world.random().nextInt(7)) {
      case 0 -> {
        if (!group.alive().isEmpty()) {
          world.faultHappened("crash");
          group.any().crash();
        }
      }
      case 1 -> {
        world.faultHappened("eager rebalance");
        partitions.forEach(this::startLeaving);
      }
      case 2 -> {
        // Only what changes hands stops; its owner and the new one meet once more for it.
        world.faultHappened("cooperative rebalance");
        startLeaving(partitions.get(world.random().nextInt(PARTITIONS)));
      }
      case 3 -> {
        if (!group.alive().isEmpty()) {
          world.faultHappened("rebalance by the broker");
          moveByBroker();
        }
      }
      case 4 -> {
        world.faultHappened("partition lost");
        lose(partitions.get(world.random().nextInt(PARTITIONS)));
      }
      case 5 -> {
        world.faultHappened("commits rejected");
        commitsToReject = 1 + world.random().nextInt(3);
      }
      default -> {
        world.faultHappened("clock jumps");
        world.jumpClock();
      }
    }
  }

  /**
   * KIP-848: the broker names the owners; each member lets go in its own time, without the rest.
   */
  private void moveByBroker() {
    for (Partition partition : partitions) {
      SimulatedConsumer target = group.any();
      Assignment owner = partition.owner;
      if (owner != null && owner.member != target) {
        partition.target = target;
        startLeaving(partition);
      }
    }
  }

  private void startLeaving(Partition partition) {
    Assignment owner = partition.owner;
    if (owner != null && owner.member.isAlive() && !owner.leaving) {
      owner.leaving = true;
      owner.member.engine().stopScope(owner);
    }
  }

  /** The session ran out: the broker gives the partition away, the member goes on unaware. */
  private void lose(Partition partition) {
    Assignment owner = partition.owner;
    if (owner != null && owner.member.isAlive()) {
      unaware.add(owner);
      partition.owner = null;
      partition.generation++;
      if (world.saboteur() == SimulationFault.SKIPS_THE_FENCE) {
        commit(owner, new OffsetLedger.Commit(0, ""));
      }
    }
  }

  @Override
  public void heal() {
    commitsToReject = 0;
    group.restartDead();
  }

  @Override
  public void checkAtTheEnd() {
    group.checkBalance();
    for (Partition partition : partitions) {
      long committed = partition.committed.offset();
      if (committed != partition.log.size() && Objects.nonNull(partition.owner)) {
        world
            .truth()
            .violated(
                "committed " + committed + " of " + partition.log.size() + " when all was done");
      }
    }
  }
}
